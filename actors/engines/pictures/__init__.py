"""Posters, storyboards, previews and frames of a clip."""
