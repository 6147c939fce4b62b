given("of-rgb_dense__savemem_50",{"outcomes":"121121212121212212212122","labels":null});
