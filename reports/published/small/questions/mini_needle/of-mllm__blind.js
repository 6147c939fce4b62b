given("of-mllm__blind",{"outcomes":"332323323333223332223322","labels":null});
