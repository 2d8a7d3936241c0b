"""The same as dcgan-sample."""

from dcgan.commands.sample import main

if __name__ == "__main__":
    main()
