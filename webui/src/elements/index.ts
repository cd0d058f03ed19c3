// Web components for the pages of other apps: `<video-uploader>` and `<video-stream>`. One script tag defines both
// (vite.elements.config.ts); docs/clients.md describes them.

import { VideoStream } from "./stream";
import { VideoUploader } from "./uploader";

// A page may load the script twice, or define a name itself.
if (!customElements.get("video-uploader")) customElements.define("video-uploader", VideoUploader);
if (!customElements.get("video-stream")) customElements.define("video-stream", VideoStream);

export { VideoStream, VideoUploader };
