given("of-mllm__blind",{"outcomes":"122222122212221222221222","labels":null});
