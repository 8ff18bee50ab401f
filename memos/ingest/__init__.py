"""From what people have, chats and documents, to entries that keep their structure.

    bytes or objects --formats--> reader --entries--> views (segmenters) --> drafts of cubes

Everything here is pure, but for ``files``, which reads a file.
"""
