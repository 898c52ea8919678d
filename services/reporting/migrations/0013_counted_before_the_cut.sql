-- A family is counted from all facts before the cut that announces its figures.
ALTER TABLE made ADD COLUMN is_announced boolean NOT NULL DEFAULT true;
