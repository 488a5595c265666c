"""The inspector: reaperctl, which looks at processes and never touches the init's code."""
