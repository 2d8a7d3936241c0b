"""The same as dcgan-report."""

from dcgan.commands.report import main

if __name__ == "__main__":
    main()
