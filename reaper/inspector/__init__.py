"""The inspector: reaperctl, which looks at processes and can end them; without `reaper.init`."""
