given("of-rgb_dense__savemem_25",{"outcomes":"221112212122212122122121","labels":null});
