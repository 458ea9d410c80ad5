// SPDX-License-Identifier: EUPL-1.2
// How much memory a process uses, as the kernel tells it.
import { readFile, writeFile } from 'node:fs/promises';

/**
 * Resident memory now, and the most since it was last reset, in KiB.
 * @param {number} pid
 */
export async function memoryOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]);
  return { residentKib: kib('VmRSS'), peakKib: kib('VmHWM') };
}

/** Has the peak start again from what is resident now (`5`, see proc_pid_clear_refs(5)). */
export async function resetPeak(pid) {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
