-- As creations_of of 0018, but an upload of undeclared size counts for nothing only in its first hour, in which the
-- hourly limit bounds how many there are. A day of them, all sent at its end, would be more than the limit of the day.
CREATE OR REPLACE FUNCTION creations_of(
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
            phase IN ('pending', 'uploading') AND NOT deleted AND rejected IS NULL
                AND created_at > (SELECT clock_timestamp() - interval '1 hour'), largest)), 0) INTO used_bytes
        FROM videos
        WHERE owner = of_owner AND created_at > (SELECT clock_timestamp() - interval '1 day');
    END IF;
END
$$;
