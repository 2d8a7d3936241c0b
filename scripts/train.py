"""The same as dcgan-train."""

from dcgan.commands.train import main

if __name__ == "__main__":
    main()
