interface LegendProps {
  readonly variants: readonly string[]
  readonly served: readonly (string | undefined)[]
  readonly changedColour: number
}

/** The crowd in numbers. */
export function Legend({ variants, served, changedColour }: LegendProps) {
  const counts = new Map<string | undefined, number>()
  for (const variant of served) counts.set(variant, (counts.get(variant) ?? 0) + 1)

  return (
    <table class="legend">
      <caption class="sr-only">The crowd by variant</caption>
      <thead class="sr-only">
        <tr>
          <th scope="col">Variant</th>
          <th scope="col">People</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        {variants.map((variant, index) => (
          <Line key={variant} look={`v${index}`} name={variant} count={counts.get(variant) ?? 0} of={served.length} />
        ))}
        <Line look="out" name="outside the limit" count={counts.get(undefined) ?? 0} of={served.length} />
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">changed colour so far</th>
          <td>{changedColour}</td>
          <td />
        </tr>
      </tfoot>
    </table>
  )
}

function Line({ look, name, count, of }: { look: string; name: string; count: number; of: number }) {
  return (
    <tr>
      <th scope="row">
        <svg viewBox="0 0 10 10" aria-hidden="true">
          <rect class={`dot ${look}`} x={1.5} y={1.5} width={7} height={7} />
        </svg>
        {name}
      </th>
      <td>{count}</td>
      <td>{((100 * count) / of).toFixed(1)} %</td>
    </tr>
  )
}
