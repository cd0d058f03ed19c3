// My videos: filters, cards, pages, and the texts of an empty list.

import type { Calls, Video } from "video-uploads-client";

import type { Uploads } from "../upload/uploads";
import { Button, Icon, PATHS } from "../ui/parts";
import { useStore } from "../ui/store";
import { type VideoActions, Card } from "./card";
import type { Filter, Library } from "./library";

const FILTERS: readonly [Filter, string][] = [
  ["all", "All"],
  ["ready", "Ready"],
  ["errored", "Failed"],
  ["deleted", "Deleted"],
];
const EMPTY: Record<Filter, [string, string]> = {
  all: ["No videos yet", "Choose one to start. It will be converted for every device, and its progress appears here."],
  ready: ["Nothing to watch yet", "Videos appear here once they are converted."],
  errored: ["Nothing has failed", "Videos that cannot be converted appear here, with what to do."],
  deleted: ["Nothing deleted", "Deleted videos stay here for a week and can be restored."],
};

export function VideoList({ library, uploads, calls }: { library: Library; uploads: Uploads; calls: Calls }) {
  const list = useStore(library.state);
  const sending = useStore(uploads.sending);
  const unfinished = new Set(useStore(uploads.unfinished).map(({ record }) => record.videoId));
  const actions = videoActions(library, uploads, calls);
  return (
    <section aria-labelledby="videos-title">
      <div class="section-head">
        <h2 id="videos-title">My videos</h2>
        <div class="filters" role="group" aria-label="Which videos">
          {FILTERS.map(([filter, label]) => (
            <button
              key={filter}
              type="button"
              class="filter"
              aria-pressed={list.filter === filter}
              onClick={() => void library.show(filter)}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      {list.error && (
        <p class="error" role="alert">
          {list.error} <Button onClick={() => void library.refresh()}>Try again</Button>
        </p>
      )}
      {list.videos.length === 0 && !list.error && (list.isLoading ? <Loading /> : <Empty filter={list.filter} />)}
      <ul class="cards" aria-busy={list.isLoading}>
        {list.videos.map((video) => (
          <Card
            key={video.id}
            video={video}
            sentPercent={sending.get(video.id)}
            isUnfinished={unfinished.has(video.id)}
            actions={actions}
          />
        ))}
      </ul>
      {list.more !== null && (
        <div class="more">
          <Button disabled={list.isLoading} onClick={() => void library.showMore()}>
            Show more
          </Button>
        </div>
      )}
    </section>
  );
}

export function videoActions(library: Library, uploads: Uploads, calls: Calls): VideoActions {
  const lookAfter = async (video: Video) => {
    await library.look(video.id);
  };
  return {
    retry: async (video) => {
      library.take(await calls.retry(video.id));
      await lookAfter(video);
    },
    convertAgain: async (video) => {
      library.take(await calls.retranscode(video.id));
      await lookAfter(video);
    },
    remove: async (video) => {
      uploads.drop(video.id);
      await calls.remove(video.id);
      await lookAfter(video);
    },
    restore: async (video) => {
      await calls.restore(video.id);
      await lookAfter(video);
    },
  };
}

function Empty({ filter }: { filter: Filter }) {
  const [title, text] = EMPTY[filter];
  return (
    <div class="empty">
      <Icon path={PATHS.film} size={40} />
      <p class="empty-title">{title}</p>
      <p>{text}</p>
    </div>
  );
}

function Loading() {
  return (
    <p class="empty" role="status">
      Loading your videos…
    </p>
  );
}
