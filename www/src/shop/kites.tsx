import type { ComponentChild } from "preact"

export type KiteShape = "diamond" | "delta" | "box" | "rokkaku" | "foil" | "pennon" | "sled"

const CORAL = "#e4572e"
const SAFFRON = "#f2b134"
const TEAL = "#17777d"
const CREAM = "#fff4dc"
const PLUM = "#8a4a7d"
const LEAF = "#6b9b52"

const SHAPES: Record<KiteShape, ComponentChild> = {
  diamond: (
    <>
      <path class="line" d="M100 112 C92 128 112 134 102 150" />
      <path d="M95 122l11 6-11 6zM111 138l-11 5 10 6z" fill={TEAL} />
      <path d="M100 14 58 58l42 54z" fill={CORAL} />
      <path d="M100 14l42 44-42 54z" fill={SAFFRON} />
      <path d="M58 58h42v54z" class="dark-cloth" />
      <path d="M142 58h-42v54z" fill={CORAL} />
    </>
  ),
  delta: (
    <>
      <path class="line" d="M100 92 C104 116 90 128 96 150" />
      <path d="M100 26 22 104l78-16z" fill={TEAL} />
      <path d="M100 26l78 78-78-16z" class="dark-cloth" />
      <path d="M100 26 70 94l30-6z" fill={SAFFRON} />
      <path d="M100 26l30 68-30-6z" fill={CORAL} />
      <path d="M92 50h16l-8 40z" fill={CREAM} />
    </>
  ),
  box: (
    <>
      <path class="line" d="M70 128 C60 138 66 146 54 152" />
      <path class="spar" d="M70 20v108M104 34v108M140 18v106M106 8v110" />
      <path d="M70 22l34 12v30L70 52z" fill={CORAL} />
      <path d="M104 34l36-14v30l-36 14z" fill={SAFFRON} />
      <path d="M70 84l34 12v30l-34-12z" class="dark-cloth" />
      <path d="M104 96l36-14v30l-36 14z" fill={TEAL} />
      <path d="M70 22l36-12 34 10-36 14z" fill={CREAM} />
    </>
  ),
  rokkaku: (
    <>
      <path class="line" d="M100 132 C108 140 96 146 100 154" />
      <path d="M100 12l46 28v64l-46 28-46-28V40z" class="dark-cloth" />
      <path d="M100 12l46 28H54z" fill={CORAL} />
      <path d="M100 132l46-28H54z" fill={CORAL} />
      <circle cx="100" cy="72" r="22" fill={CREAM} />
      <circle cx="100" cy="72" r="11" fill={SAFFRON} />
      <circle cx="104" cy="69" r="4.5" class="dark-cloth" />
    </>
  ),
  foil: (
    <>
      <path class="line" d="M28 74 100 150 172 74M62 60l38 90 38-90M100 58v92" />
      <path d="M20 74C32 34 64 18 100 18s68 16 80 56c-18-14-34-18-48-14-20-8-44-8-64 0-14-4-30 0-48 14z" fill={LEAF} />
      <path d="M68 60C70 40 78 26 86 19c-38 3-58 24-66 55 18-14 34-18 48-14z" fill={TEAL} />
      <path d="M132 60c-2-20-10-34-18-41 38 3 58 24 66 55-18-14-34-18-48-14z" fill={SAFFRON} />
    </>
  ),
  pennon: (
    <>
      <path class="pole" d="M34 16v136" />
      <path d="M38 24c40 12 66-10 134 26-58 4-90 32-134 26z" fill={CORAL} />
      <path d="M38 41c44 9 74-7 134 9-60 0-92 20-134 11z" fill={CREAM} />
      <path d="M38 24c12 4 22 4 32 4-4 18-4 34 0 48-10 2-22 2-32 0z" fill={PLUM} />
    </>
  ),
  sled: (
    <>
      <circle cx="152" cy="30" r="12" fill={CREAM} />
      <path class="line" d="M58 72l42 80 42-80" />
      <path d="M74 22h52l22 50-22 50H74L52 72z" class="dark-cloth" />
      <path d="M92 22h16v100H92z" fill="#b7f07a" />
      <path d="M76 88h8v24h-4zM124 88h-8v24h4z" fill="#b7f07a" />
      <circle cx="76" cy="58" r="5" fill="#b7f07a" />
      <circle cx="124" cy="58" r="5" fill="#b7f07a" />
    </>
  ),
}

/** A kite in its patch of sky. Beside the name of the product, so decoration. */
export function Kite({ shape }: { shape: KiteShape }) {
  return (
    <svg class={`kite sky-${shape}`} viewBox="0 0 200 160" aria-hidden="true">
      <path class="cloud" d="M8 128c8-14 24-14 30-4 8-6 20-2 20 8H4c0-2 2-4 4-4zM148 118c6-10 18-10 23-3 6-4 15-1 15 6h-42c0-2 2-3 4-3z" />
      {SHAPES[shape]}
    </svg>
  )
}

/** The mark of the shop. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 40 40" aria-hidden="true">
      <path d="M20 3 7 17l13 20z" fill={CORAL} />
      <path d="M20 3l13 14-13 20z" fill={SAFFRON} />
      <path d="M7 17h13v20z" class="dark-cloth" />
    </svg>
  )
}

/** Hills, sea and three far kites behind the shop's greeting. */
export function Coast() {
  return (
    <svg class="coast" viewBox="0 0 800 220" preserveAspectRatio="xMaxYMax slice" aria-hidden="true">
      <circle class="coast-sun" cx="640" cy="72" r="36" />
      <path class="coast-far" d="M300 176c90-46 150-44 214-14 70-42 160-58 286-22v80H300z" />
      <path class="coast-sea" d="M0 178h800v42H0z" />
      <path class="coast-near" d="M420 220c90-52 230-72 380-44v44z" />
      <path class="coast-line" d="M566 60C600 120 620 150 660 186M706 44c-6 60-18 100-40 142M496 96c50 40 110 70 162 90" />
      <path d="M566 24l20 22-20 26-20-26z" fill={CORAL} />
      <path d="M566 24l20 22h-40z" fill={SAFFRON} />
      <path d="M706 16l30 34-30-7-30 7z" class="dark-cloth" />
      <path d="M706 16l10 29-10-2-10 2z" fill={SAFFRON} />
      <path d="M496 78l15 9v18l-15 9-15-9V87z" fill={TEAL} />
      <circle cx="496" cy="96" r="7" fill={CREAM} />
    </svg>
  )
}
