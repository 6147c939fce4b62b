given("of-mllm__aks_4",{"outcomes":"332323311133223332321321","labels":null});
