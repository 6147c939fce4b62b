given("of-rgb_dense__savemem_25",{"outcomes":"211221222122212112212112","labels":null});
