"""The numbers: one Hydra group a folder, one choice a file; installed as dcgan.configs."""
