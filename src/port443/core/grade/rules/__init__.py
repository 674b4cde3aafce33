"""One rule a file: facts in; something found, a doubt, or nothing out."""
