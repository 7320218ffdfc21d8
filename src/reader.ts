// Composition root of the thread that reads a data set for an import (sources/readingThread.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { serveReading, type ReadingOrder } from './sources/readingThread.ts';

void serveReading(parentPort!, workerData as ReadingOrder);
