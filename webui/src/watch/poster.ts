// Pictures that can be a poster: a frame of the player, or a file, drawn anew as a JPEG. So nothing that a camera wrote
// about a photo leaves the browser.

/** The longest side of a poster in pixels: that of the player on most screens. */
const SIDE_MAX = 1280;
export const BYTES_MAX = 512 * 1024;
/** Tried one after the other until a picture is small enough. */
const QUALITIES = [0.85, 0.7, 0.5];

/** Return the size of a picture whose longest side is at most `SIDE_MAX`. */
export function fit(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Return the frame that a player shows now. */
export async function frameOf(video: HTMLVideoElement | null): Promise<Blob> {
  if (!video || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) {
    throw new Error("The player shows no frame yet. Play the video to the one that you want.");
  }
  try {
    return await drawn(video, video.videoWidth, video.videoHeight);
  } catch (error) {
    // Where the browser's own player reads from another host.
    if ((error as Error).name !== "SecurityError") throw error;
    throw new Error("This browser does not give frames to the page. Upload a picture instead.");
  }
}

/** Return a picture from a file, turned as its camera says. */
export async function pictureOf(file: Blob): Promise<Blob> {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error("This file is no picture that the browser can read.");
  });
  try {
    return await drawn(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}

async function drawn(source: CanvasImageSource, sourceWidth: number, sourceHeight: number): Promise<Blob> {
  const canvas = document.createElement("canvas");
  const { width, height } = fit(sourceWidth, sourceHeight);
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw pictures.");
  // A JPEG has no transparency; without this it would be black.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  for (const quality of QUALITIES) {
    const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (made && made.size <= BYTES_MAX) return made;
  }
  throw new Error("This picture is too large as a JPEG. Choose one with less in it.");
}
