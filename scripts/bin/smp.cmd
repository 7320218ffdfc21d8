@echo off
rem The command line of SMP Curator. In a terminal of the editor SMP_NODE is the editor's own Node (Electron runs as Node
rem when told so); elsewhere a Node on the PATH serves.
setlocal
set ELECTRON_RUN_AS_NODE=1
if "%SMP_NODE%"=="" set SMP_NODE=node
"%SMP_NODE%" "%~dp0..\cli.cjs" %*
