"""How services take many records in one request: one file each, with two functions

    content(bulk) -> (body, content type)
    judge(bulk, reply) -> Answer

`judge` sees a reply of any status that is not a plain failure, and says of each record what came of it.
"""
