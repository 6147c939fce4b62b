given("of-rgb_dense__savemem_5",{"outcomes":"441111224144414122442414","labels":null});
