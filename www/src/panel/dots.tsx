const COLUMNS = 40
/** Distance between the middles of two dots, in units of the drawing. */
const PITCH = 10

interface DotsProps {
  /** The flag's variants: the place of one is its colour and shape. */
  readonly variants: readonly string[]
  /** By person: the variant, or `undefined` outside the limit. */
  readonly served: readonly (string | undefined)[]
  /** The visitor's place, when the visitor is of the crowd. */
  readonly own: number | undefined
  readonly onPoint: (index: number | undefined) => void
  readonly onChoose: (index: number) => void
}

/** One mark per person, always in the same place. The legend says the same in words. */
export function Dots({ variants, served, own, onPoint, onChoose }: DotsProps) {
  const rows = Math.ceil(served.length / COLUMNS)
  return (
    <svg
      class="crowd"
      viewBox={`0 0 ${COLUMNS * PITCH} ${rows * PITCH}`}
      role="img"
      aria-label="The crowd, one mark per person. The table below has the counts."
      onPointerMove={(event) => onPoint(indexAt(event, served.length, rows))}
      onPointerLeave={() => onPoint(undefined)}
      onClick={(event) => {
        const index = indexAt(event, served.length, rows)
        if (index !== undefined) onChoose(index)
      }}
    >
      {served.map((variant, index) => (
        <Dot key={index} index={index} look={variant === undefined ? "out" : `v${variants.indexOf(variant)}`} />
      ))}
      {own !== undefined && <circle class="own-place" {...middleOf(own)} r={6.5} />}
    </svg>
  )
}

function Dot({ index, look }: { index: number; look: string }) {
  const { cx, cy } = middleOf(index)
  return <rect class={`dot ${look}`} x={cx - 3.5} y={cy - 3.5} width={7} height={7} />
}

function middleOf(index: number): { cx: number; cy: number } {
  return { cx: ((index % COLUMNS) + 0.5) * PITCH, cy: (Math.floor(index / COLUMNS) + 0.5) * PITCH }
}

/** Who stands under the pointer. */
function indexAt(event: MouseEvent & { currentTarget: SVGSVGElement }, size: number, rows: number): number | undefined {
  const box = event.currentTarget.getBoundingClientRect()
  const column = Math.floor(((event.clientX - box.left) / box.width) * COLUMNS)
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows)
  const index = row * COLUMNS + column
  return column >= 0 && column < COLUMNS && row >= 0 && index < size ? index : undefined
}
