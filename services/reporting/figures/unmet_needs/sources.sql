-- Behind a request: what was said of it.
SELECT subject, 'request:' || subject AS thing FROM subjects
