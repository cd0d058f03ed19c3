// Languages of captions, their names, and what a file's name says about it. Pure.

import type { Caption } from "video-uploads-client";

/** The most that the service takes. */
export const BYTES_MAX = 1024 ** 2;

const TAGS = (
  "ar bg bn ca cs cy da de el en es et eu fa fi fil fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lt lv mk ml mn " +
  "mr ms mt my nb ne nl nn pa pl pt pt-BR ro ru si sk sl sq sr sv sw ta te th tr uk ur uz vi zh-Hans zh-Hant zu"
).split(" ");

export interface Language {
  tag: string;
  name: string;
}

/** Return the languages that the page offers, by their names in the viewer's language. */
export function languages(locale: string): Language[] {
  const names = new Intl.DisplayNames([locale], { type: "language" });
  const all = TAGS.map((tag) => ({ tag, name: names.of(tag) ?? tag }));
  return all.sort((a, b) => a.name.localeCompare(b.name, locale));
}

/** Return the name of a language in itself, as players list it: Deutsch, Français. */
export function endonym(tag: string): string {
  const name = new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}

/** Return the language that a file's name ends with, as in `holiday.de.srt`, if the page offers it. */
export function languageOf(filename: string): string | null {
  const word = /[._-]([a-z]{2,3}(?:[-_][a-z]{2,4})?)\.[a-z]+$/i.exec(filename)?.[1]?.replace("_", "-");
  return TAGS.find((tag) => tag.toLowerCase() === word?.toLowerCase()) ?? null;
}

export function typeOf(filename: string): string {
  return /\.srt$/i.test(filename) ? "application/x-subrip" : "text/vtt";
}

/** Return what players show: it changes when the stream has to be loaded again. */
export function shown(captions: readonly Caption[]): string {
  const published = captions.filter(({ status }) => status === "published");
  return published.map(({ language, label, default: first, url }) => [language, label, first, url].join("|")).join("\n");
}
