"""How services take many records in one request: one file each, with two functions

    content(bulk) -> (body, content type)
    judge(bulk, reply) -> Answer

`judge` sees a reply of the statuses JUDGED (200 and 400 where a file names none), and says of each record what came of
it. Where more than one request is made there is also

    exchange(bulk, post, ask) -> the reply that is to be judged, or the answer itself

`ask(post)` makes a request within the same time, and raises what ends the try.
"""
