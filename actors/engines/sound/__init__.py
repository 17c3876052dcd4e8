"""The sound of a clip: which tracks, from when, how loud, copied or encoded."""
