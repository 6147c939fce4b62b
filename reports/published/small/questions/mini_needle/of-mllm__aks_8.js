given("of-mllm__aks_8",{"outcomes":"112222211121222112221121","labels":null});
