/** Charts of ECharts as SVG files, which need no browser to be drawn and follow the page's light or dark colours. */

import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([SVGRenderer]);

/** Stand-ins that the style sheet below replaces by the page's own light or dark colours. */
export const INK = '#010203';
export const LINES = '#040506';

const STYLE = `<style>
text { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
[fill="${INK}"] { fill: #1f2328 } [stroke="${INK}"] { stroke: #1f2328 } [stroke="${LINES}"] { stroke: #d8dee4 }
@media (prefers-color-scheme: dark) {
[fill="${INK}"] { fill: #e6edf3 } [stroke="${INK}"] { stroke: #e6edf3 } [stroke="${LINES}"] { stroke: #3a424c }
}
</style>`;

export function drawSvg(title: string, option: EChartsCoreOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption(option);
  const svg = still(chart.renderToSVGString());
  chart.dispose();
  return `${svg.replace('>', `>\n<title>${title}</title>\n${STYLE}`)}\n`;
}

/** Without what only answers to the mouse: an image on a page never sees it, and its names change from run to run. */
function still(svg: string): string {
  return svg
    .replace(/<style ><!\[CDATA\[[\s\S]*?\]\]>\s*<\/style>\n?/g, '')
    .replace(/ (class="zr[^"]*"|pointer-events="visible")/g, '')
    .replace(/zr\d+-/g, 'chart-');
}
