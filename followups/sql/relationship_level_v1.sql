-- The level of a member with `counted` interactions after `fresh` more, taken one by one: one step at a time, never
-- down (ORIGINS C21). The only place of the thresholds. Called by followups_count_activity; reads no table.
CREATE FUNCTION followups_relationship_level(level integer, counted bigint, fresh bigint) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    needed CONSTANT bigint[] := ARRAY[0, 3, 10, 25];  -- interactions, by level
    used bigint := 0;
BEGIN
    WHILE level BETWEEN 1 AND 3 LOOP
        used := greatest(used + 1, needed[level + 1] - counted);
        EXIT WHEN used > fresh;
        level := level + 1;
    END LOOP;
    RETURN level;
END
$$;
