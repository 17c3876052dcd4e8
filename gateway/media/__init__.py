"""The media plane: uploads by tus and delivery by signed URLs, streamed through Granian with flat memory."""
