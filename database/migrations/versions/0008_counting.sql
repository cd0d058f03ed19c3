-- How many videos an owner has created in the last hour, counted one creation after the other: each waits until
-- the previous one's transaction has ended. Only a function can do both in one statement that is planned once: it counts
-- with a snapshot taken after the wait, while the statement around it still has the earlier snapshot.
CREATE FUNCTION creations_of_the_hour(of_owner text, OUT used bigint, OUT oldest timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(of_owner, 7602));
    SELECT count(*), min(created_at) INTO used, oldest FROM videos
    WHERE owner = of_owner AND created_at > (SELECT clock_timestamp() - interval '1 hour');
END
$$;
