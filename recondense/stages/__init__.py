"""What a stage is: where its files lie, which params it has, and that its outputs appear whole or not at all."""
