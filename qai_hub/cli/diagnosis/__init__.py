"""What `qai-hub doctor` examines, with one module per topic. Nothing in it shows a secret."""
