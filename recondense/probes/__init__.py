"""Quick looks at disks, files and servers, and what is said of what they find. They import no engine."""
