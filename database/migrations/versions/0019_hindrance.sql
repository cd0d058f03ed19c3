-- Storage that is away or refuses our key, or jobs that the provider does not know: shown instead of the reason.
ALTER TABLE videos
    ADD COLUMN hindrance text CHECK (hindrance IN ('StorageAway', 'StorageRefusesKey', 'JobsUnknown'));
