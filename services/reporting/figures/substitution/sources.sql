-- Behind an activity: what was said of it.
SELECT subject, 'activity:' || subject AS thing FROM subjects
