"""The same as dcgan-benchmark."""

from dcgan.commands.benchmark import main

if __name__ == "__main__":
    main()
