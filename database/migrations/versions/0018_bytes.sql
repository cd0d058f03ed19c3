-- What one video counts for in its owner's bytes of the day: the file that storage has, else the declared size. A file of
-- undeclared size counts from when it was seen; if it was not accepted, its size is not known and it counts as the largest.
CREATE FUNCTION counted_bytes(source jsonb, declared_bytes bigint, is_waiting boolean, largest bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((source ->> 'file_bytes')::bigint, declared_bytes, CASE WHEN is_waiting THEN 0 ELSE largest END)
$$;

-- Like creations_of_the_hour of 0008, with the bytes of the last 24 hours: they are counted under the same lock.
-- `largest`: NULL to count no bytes.
CREATE FUNCTION creations_of(
    of_owner text, largest bigint, OUT used bigint, OUT oldest timestamptz, OUT used_bytes numeric
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(of_owner, 7602));
    SELECT count(*), min(created_at) INTO used, oldest FROM videos
    WHERE owner = of_owner AND created_at > (SELECT clock_timestamp() - interval '1 hour');
    IF largest IS NULL THEN
        used_bytes := 0;
    ELSE
        SELECT coalesce(sum(counted_bytes(source, declared_bytes,
            phase IN ('pending', 'uploading') AND NOT deleted AND rejected IS NULL, largest)), 0) INTO used_bytes
        FROM videos
        WHERE owner = of_owner AND created_at > (SELECT clock_timestamp() - interval '1 day');
    END IF;
END
$$;
