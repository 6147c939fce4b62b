given("of-mllm__aks_2",{"outcomes":"332333311333222232231321","labels":null});
