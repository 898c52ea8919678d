-- A cut and its figures reach the topic in any order: after a loss, figures can be there whose CutTaken is not.
ALTER TABLE figures DROP CONSTRAINT figures_cut_id_fkey;
