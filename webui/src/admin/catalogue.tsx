// All owners' videos: a search, its results page by page, and requests for all that match.

import { useRef, useState } from "preact/hooks";
import { type BulkAction, type Calls, type DeadLetter, type Phase, PHASES, serverNow } from "video-uploads-client";

import { relative } from "../ui/format";
import { Badge, Button } from "../ui/parts";
import { describeState } from "../videos/states";
import { Bulk, BULK_NAMES } from "./bulk";
import { actionsFor, bulkFiltersOf, EVERYTHING, filtersOf, type Search } from "./bulk-views";

const STATUS_NAMES: Record<Phase, string> = {
  pending: "Waiting for a URL",
  uploading: "Waiting for the file",
  uploaded: "Waiting for a job",
  processing: "Converting",
  ready: "Ready",
  errored: "Failed",
};
const PAGE_SIZE = 20;
// A page of the API looks so far and no further, so an empty one may have more behind it. Then a person decides.
const PAGES_MAX = 10;

interface Found {
  search: Search;
  videos: readonly DeadLetter[];
  more: string | null;
}

export function Catalogue({ calls }: { calls: Calls }) {
  const [search, setSearch] = useState<Search>(EVERYTHING);
  const [found, setFound] = useState<Found | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [bulk, setBulk] = useState<BulkAction | null>(null);
  // Of several searches the last one is shown.
  const latest = useRef(0);
  const load = async (wanted: Search, token: string | null, before: readonly DeadLetter[]) => {
    const turn = (latest.current += 1);
    setBusy(true);
    setError(null);
    try {
      let videos = before;
      for (let pages = 1; ; pages += 1) {
        const page = await calls.catalogue({ ...filtersOf(wanted), page_size: PAGE_SIZE }, token);
        if (turn !== latest.current) return;
        videos = [...videos, ...page.videos];
        token = page.next_page_token;
        setFound({ search: wanted, videos, more: token });
        if (token === null || videos.length > before.length || pages >= PAGES_MAX) break;
      }
    } catch (error) {
      if (turn !== latest.current) return;
      setError((error as Error).message);
    }
    setBusy(false);
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    void load(search, null, []);
  };
  const field = (name: keyof Search) => ({
    name,
    value: search[name],
    onInput: (event: { currentTarget: { value: string } }) => setSearch({ ...search, [name]: event.currentTarget.value }),
  });
  return (
    <section aria-labelledby="catalogue-title">
      <div class="section-head">
        <h2 id="catalogue-title">All videos</h2>
      </div>
      <form class="form search" role="search" aria-labelledby="catalogue-title" onSubmit={onSubmit}>
        <label class="field">
          Owner
          <input type="text" maxLength={255} autocomplete="off" {...field("owner")} />
        </label>
        <label class="field">
          Title
          <input type="text" maxLength={100} autocomplete="off" {...field("title")} />
        </label>
        <label class="field">
          Status
          <select {...field("status")}>
            <option value="">Any</option>
            {PHASES.map((phase) => (
              <option key={phase} value={phase}>
                {STATUS_NAMES[phase]}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Profile
          <input type="text" maxLength={63} autocomplete="off" {...field("profile")} />
        </label>
        <label class="field">
          Error code
          <input type="text" maxLength={63} autocomplete="off" placeholder="provider_unavailable" {...field("errorCode")} />
        </label>
        <label class="field">
          Created from
          <input type="datetime-local" {...field("from")} />
        </label>
        <label class="field">
          Created before
          <input type="datetime-local" {...field("until")} />
        </label>
        <div class="card-actions">
          <Button kind="main" type="submit" disabled={isBusy}>
            Search
          </Button>
        </div>
      </form>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <p class="said" role="status">
        {found && found.videos.length === 0 && (found.more === null ? "No video matches." : "None so far; the search can go on.")}
      </p>
      {found && found.videos.length > 0 && (
        <>
          <div class="card-actions">
            {actionsFor(found.search).map((action) => (
              <Button key={action} onClick={() => setBulk(action)}>
                {BULK_NAMES[action]}…
              </Button>
            ))}
          </div>
          <ul class="plain-list results" aria-label="Videos that match">
            {found.videos.map((video) => (
              <Row key={video.id} video={video} />
            ))}
          </ul>
        </>
      )}
      {found?.more && (
        <div class="more">
          <Button disabled={isBusy} onClick={() => void load(found.search, found.more, found.videos)}>
            {found.videos.length === 0 ? "Search on" : "Show more videos"}
          </Button>
        </div>
      )}
      {bulk && found && <BulkOf calls={calls} action={bulk} search={found.search} onClose={() => setBulk(null)} />}
    </section>
  );
}

function BulkOf({ calls, action, search, onClose }: { calls: Calls; action: BulkAction; search: Search; onClose: () => void }) {
  // The same object as long as the dialog is open: another one would be planned anew.
  const [filters] = useState(() => bulkFiltersOf(search, action));
  return <Bulk calls={calls} action={action} filters={filters} onClose={onClose} />;
}

function Row({ video }: { video: DeadLetter }) {
  const { label, tone } = describeState(video, undefined);
  return (
    <li class="result" data-found={video.id}>
      <div class="letter-head">
        <h3>{video.title}</h3>
        <Badge tone={tone}>{label}</Badge>
      </div>
      <p class="card-facts">
        {video.owner} · {video.profile} · created {relative(video.created_at, serverNow())}
        {video.error && ` · ${video.error.code}`}
      </p>
      <p class="card-facts">
        <code>{video.id}</code>
      </p>
    </li>
  );
}
