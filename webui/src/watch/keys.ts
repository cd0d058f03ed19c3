// Keyboard commands of the player.

export type Command = { kind: "toggle" | "mute" | "fullscreen" } | { kind: "seek"; seconds: number };

export function commandFor(key: string): Command | null {
  switch (key.toLowerCase()) {
    case "k":
      return { kind: "toggle" };
    case "j":
      return { kind: "seek", seconds: -10 };
    case "l":
      return { kind: "seek", seconds: 10 };
    case "m":
      return { kind: "mute" };
    case "f":
      return { kind: "fullscreen" };
    default:
      return null;
  }
}

export function execute(command: Command, video: HTMLVideoElement): void {
  switch (command.kind) {
    case "toggle":
      if (video.paused) void video.play().catch(() => undefined);
      else video.pause();
      return;
    case "seek":
      video.currentTime = Math.max(0, Math.min(video.duration || 0, video.currentTime + command.seconds));
      return;
    case "mute":
      video.muted = !video.muted;
      return;
    case "fullscreen":
      if (document.fullscreenElement) void document.exitFullscreen();
      else void video.requestFullscreen?.().catch(() => undefined);
      return;
  }
}
