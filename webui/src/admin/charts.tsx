// Two small charts, each with a text alternative.

export interface Bar {
  name: string;
  value: number;
  /** The overdue part of the value. */
  late: number;
  note: string;
}

export function Bars({ bars }: { bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <ul class="bars">
      {bars.map(({ name, value, late, note }) => (
        <li key={name}>
          <span class="bar-name">{name}</span>
          <span class="bar-track" aria-hidden="true">
            <span class="bar-part" style={{ width: `${(100 * (value - late)) / most}%` }} />
            <span class="bar-late" style={{ width: `${(100 * late) / most}%` }} />
          </span>
          <span class="bar-value">{value.toLocaleString("en")}</span>
          <span class="bar-note">{note}</span>
        </li>
      ))}
    </ul>
  );
}

const HEIGHT = 64;
const STEP = 20;

export function Columns({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(1, ...values);
  return (
    <svg class="columns" viewBox={`0 0 ${values.length * STEP} ${HEIGHT}`} role="img" aria-label={label} preserveAspectRatio="none">
      {values.map((value, index) => {
        const height = value === 0 ? 2 : Math.max(4, (HEIGHT * value) / most);
        return <rect key={index} x={index * STEP + 3} y={HEIGHT - height} width={STEP - 6} height={height} rx="2" />;
      })}
    </svg>
  );
}
