"""Which version of this library it is; provenance and bundles name it."""

VERSION = "0.1.0"
