"""Makes the GGUF half of the golden data: conversion, a plain forward pass, quantised blocks."""
