given("of-mllm__aks_8",{"outcomes":"332233311133222332223321","labels":null});
