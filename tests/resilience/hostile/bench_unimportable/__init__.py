raise OSError("cannot be imported\nat all")
