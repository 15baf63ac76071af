"""Files that several rooms share: replaced in full or not at all, sealed, without pickles."""
