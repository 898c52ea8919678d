-- Which topic of this name the position is about: it rises when an operator accepts a topic that was made again.
ALTER TABLE positions ADD COLUMN incarnation integer NOT NULL DEFAULT 1 CHECK (incarnation >= 1);
